"""What is handed out: archives for the stores, packages to serve from one's own web server, the bundle, the .deb."""
