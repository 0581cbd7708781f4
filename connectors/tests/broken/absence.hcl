# in base
    query  = { user = input.user, cursor = page.cursor }
    items  = response.body.seats
    where  = item.user == input.user
    outputs = { id = item.id }
    authoritative = true
    page "cursor" { next = response.body.next }
    then "detail" { seat = item.id }
# becomes
    query  = { user = input.user }
    outputs = { id = response.body.id }
    authoritative = true
    then "detail" { seat = response.body.id }
