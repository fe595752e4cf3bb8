//! Rules one by one: what each normalises, what each renders.
