# in base
    id    = item.id
    text
# becomes
    id    = item.id
    delta "filter" { overlap = "5m" }
    deletes = "tombstone"
    text
