"""Known cases: which of a pack's cases a finding looks like. ``recognise`` is the door; nothing here changes a finding."""
