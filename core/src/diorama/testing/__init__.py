"""What a backend author tests with."""
