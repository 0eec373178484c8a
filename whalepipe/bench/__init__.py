"""How fast whalepipe is here, where its time goes, and beside what."""
