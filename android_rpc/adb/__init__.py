"""Phones on a cable: the adb client, discovery, installation, and whose turn it is."""
