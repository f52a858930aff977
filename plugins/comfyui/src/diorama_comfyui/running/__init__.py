"""Running a prompt on a server for a job."""
