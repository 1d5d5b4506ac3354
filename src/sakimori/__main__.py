"""`python -m sakimori` is the `sakimori` command."""

from sakimori.cli import main

if __name__ == "__main__":
    main()
