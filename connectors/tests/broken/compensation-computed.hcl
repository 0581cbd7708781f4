# in base
      with = { user = input.user, seat = output.id }
# becomes
      with = { user = lower(input.user), seat = output.id }
