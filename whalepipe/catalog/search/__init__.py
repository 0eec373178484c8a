"""Search among the catalogue's crops of one part: exact, and, among very many, by an index of eight bits a number."""
