"""Small changes of a sound flow: which of them its checks, its properties and its scenarios would notice."""
