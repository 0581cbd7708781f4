# in base
    where  = item.user == input.user
    outputs = { id = item.id }
# becomes
    where  = item.user == input.usr
    outputs = { id = respons.body.id }
