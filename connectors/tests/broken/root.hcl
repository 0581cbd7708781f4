# in base
    where  = item.user == input.user
# becomes
    where  = itme.user == input.user
