"""Drives real browsers with an extension: Chromium over the DevTools protocol, Firefox over WebDriver BiDi."""
