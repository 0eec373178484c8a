"""Why a crop was answered as it was: what the embedder looks at, and which marks agree."""
