"""``python -m tests.fuzz``, which ``make fuzz`` runs."""

from tests.fuzz.campaign import main

if __name__ == "__main__":
    main()
