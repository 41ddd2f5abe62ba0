"""Damaged input: every command, given files that are damaged in named and seeded ways.

    material.py   small valid files of every kind that a command reads
    damage.py     ways to damage a file, each a function of its bytes and a random generator
    cases.py      which file, which damages and which command case N of a seed has
    readers.py    second, independent readers, for what a command accepts
    worker.py     one case, run and judged in this process
    campaign.py   many cases on worker processes that a crash or a hang may cost; the table

``make fuzz`` runs it, and ``make fuzz SEED=1 CASE=42`` runs one case again and shows everything.
"""
