# in base
    page "cursor" { next = response.body.next }
# becomes
    page "curser" { next = response.body.next }
