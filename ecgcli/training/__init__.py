"""Config -> dataset -> epochs, or one fit -> run folder."""
