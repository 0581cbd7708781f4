# in base
    then "detail" { seat = item.id }
# becomes
    then "details" { seat = item.id }
