"""Every kind of device behind one protocol: emulated, a phone on a cable, one of a tracker."""
