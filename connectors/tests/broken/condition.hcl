# in base
    where  = item.user == input.user
# becomes
    where  = concat(item.user, input.user)
