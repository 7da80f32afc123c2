"""Networks of the zoo with fewer channels: which of them go together, and which matter least."""
