# in base
    id    = item.id
    text
# becomes
    id    = item.id
    delta "filtre" { overlap = "5m" }
    text
