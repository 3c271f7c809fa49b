"""Pictures of runs: contact sheets, thumbnails of workflows, screenshots of the frontend."""
