"""The agency: its clients, as one YAML file each."""
