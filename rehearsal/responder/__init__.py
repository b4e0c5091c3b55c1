"""What answers over HTTP in a rehearsal, where no container runs: as the pod whose address is called."""
