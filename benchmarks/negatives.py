"""Whether what is not wanted goes away, and what is wanted stays: two tables.

    python benchmarks/negatives.py --data ../shared/data --home scratch-home

Needs the archives `catalog-flipkart` and `catalog-luma` in `--data`, unpacked. Both are indexed
into `--home`, a catalog of each, which takes some minutes; a second run starts at once.

Words: for each kind of thing (the last level of the category) and each value of colour or material
that some of the kind have and some have not, "KIND not VALUE" and "KIND without VALUE", in turn;
`--seed` draws `--n` of all. Told are the shares of the first ten hits that have the value (in title,
colour, material or another attribute), and that are of the kind. The rows:

    kind alone       what "KIND" finds: how much of the value is there by itself
    as plain words   what "KIND VALUE" finds: an engine that reads over "not"
    read as before   the whole text is encoded; words after "without" weigh a little less
    vector alone     the negated words push the vector away, and nothing comes last for them
    now              the same, and products that hold them come last

Pictures: for two products of one category but of different groups (colour or title), the first's
picture is asked for, with and without "less of" the second's. Told is where the best placed product
of the second's colour and kind stands, the two themselves left out, and how much of the first ten is
of the first's kind.
"""
