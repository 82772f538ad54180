//! What every backend must do: one body for each behaviour, run on each of them.
