"""What somebody else can check: an explored kernel and what was proved of it in, SMT-LIB texts and an index out."""
