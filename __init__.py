"""penstock: a language for workflows whose soundness is proved before they run."""
