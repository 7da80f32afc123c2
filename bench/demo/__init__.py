"""The demo: packages for a device, its server and its browser, and the records that are kept."""
