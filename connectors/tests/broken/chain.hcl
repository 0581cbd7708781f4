# in base
    marker        = response.body.note
    authoritative = true
# becomes
    marker        = response.body.note
    authoritative = true
    then "detail" { seat = response.body.parent }
