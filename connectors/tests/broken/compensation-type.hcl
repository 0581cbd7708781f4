# in base
      with = { user = input.user, seat = output.id }
# becomes
      with = { user = input.user, seat = input.level }
