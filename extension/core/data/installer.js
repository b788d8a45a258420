// Generated from host/poterne/knowledge/installer.toml by `make types`.

export const installer = {
  "install": {
    "linux": "",
    "darwin": "",
    "win32": ""
  },
  "upgrade": {
    "linux": "",
    "darwin": "",
    "win32": ""
  }
};
