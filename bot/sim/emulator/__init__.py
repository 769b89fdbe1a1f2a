"""An exchange emulator: books and matching in memory, spoken to in the words of real exchanges."""
