"""The stages: a file each, one public function, rows in, rows out. A stage knows neither the cache nor its siblings."""
