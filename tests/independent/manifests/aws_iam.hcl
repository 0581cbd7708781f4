# Users and groups of an account in the Query protocol: forms signed with SigV4, answers in XML. It is here to hold those two to a
# server that checks every signature; the catalogue has no such system. Facts: the IAM API reference, version 2010-05-08.
manifest "aws_iam" {
  title   = "IAM users and groups"
  domain  = "identity"
  answers = "xml"

  auth "aws_sigv4" {
    region  = "us-east-1"
    service = "iam"
  }

  message = response.body.ErrorResponse.Error.Message

  error "absent" { when = response.status == 404 && response.body.ErrorResponse.Error.Code == "NoSuchEntity" }
  error "conflict" { when = response.status == 409 && contains(["EntityAlreadyExists", "DeleteConflict"], response.body.ErrorResponse.Error.Code) }
  # Looked for in the text: a request that is turned away at the door may be answered in another shape and under another content type.
  error "auth_expired" { when = response.status == 403 && (contains(response.text, "<Code>ExpiredToken</Code>") || contains(response.text, "<Code>InvalidClientTokenId</Code>") || contains(response.text, "<Code>SignatureDoesNotMatch</Code>")) }
  error "rate_limited" { when = response.status == 400 && response.body.ErrorResponse.Error.Code == "Throttling" }

  lookup "user" {
    inputs = { user = "text" }
    post   = "/"
    form = {
      Action   = "GetUser"
      Version  = "2010-05-08"
      UserName = input.user
    }
    error "absent" { when = response.status == 404 && response.body.ErrorResponse.Error.Code == "NoSuchEntity" }
    present       = response.body.GetUserResponse.GetUserResult.User.UserName == input.user
    outputs       = { arn = response.body.GetUserResponse.GetUserResult.User.Arn }
    marker        = member(pick(list(response.body.GetUserResponse.GetUserResult.User.Tags.member), "Key", "xops"), "Value")
    authoritative = true
  }

  # Whether the user is among the members of the group.
  lookup "membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    post = "/"
    form = {
      Action    = "GetGroup"
      Version   = "2010-05-08"
      GroupName = input.group
      MaxItems  = 100
      Marker    = page.cursor
    }
    error "absent" { when = response.status == 404 && response.body.ErrorResponse.Error.Code == "NoSuchEntity" }
    items         = list(response.body.GetGroupResponse.GetGroupResult.Users.member)
    where         = item.UserName == input.user
    value         = "member"
    authoritative = true
    page "cursor" { next = response.body.GetGroupResponse.GetGroupResult.Marker }
  }

  lookup "group" {
    inputs = { group = "text" }
    post   = "/"
    form = {
      Action    = "GetGroup"
      Version   = "2010-05-08"
      GroupName = input.group
      MaxItems  = 1
    }
    error "absent" { when = response.status == 404 && response.body.ErrorResponse.Error.Code == "NoSuchEntity" }
    present       = response.body.GetGroupResponse.GetGroupResult.Group.GroupName == input.group
    authoritative = true
  }

  awf "create_group" {
    achieves = "create"
    inputs   = { group = "text" }
    evidence = "IAM API reference, CreateGroup"
    post     = "/"
    form = {
      Action    = "CreateGroup"
      Version   = "2010-05-08"
      GroupName = input.group
    }
    lookup "group" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback { within = "60s" }
    undo "delete_group" { with = { group = input.group } }
  }

  awf "delete_group" {
    achieves = "remove"
    inputs   = { group = "text" }
    evidence = "IAM API reference, DeleteGroup: refused while it has members"
    post     = "/"
    form = {
      Action    = "DeleteGroup"
      Version   = "2010-05-08"
      GroupName = input.group
    }
    lookup "group" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback { within = "60s" }
    undo "create_group" {
      with = { group = input.group }
      loss = "its policies and another unique id"
    }
  }

  awf "create_user" {
    achieves = "create"
    inputs   = { user = "text" }
    personal = ["user"]
    outputs  = { arn = "text" }
    evidence = "IAM API reference, CreateUser"
    post     = "/"
    form = {
      Action                = "CreateUser"
      Version               = "2010-05-08"
      UserName              = input.user
      "Tags.member.1.Key"   = "xops"
      "Tags.member.1.Value" = key
    }
    capture = { arn = response.body.CreateUserResponse.CreateUserResult.User.Arn }
    lookup "user" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback { within = "60s" }
    undo "delete_user" { with = { user = input.user } }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "IAM API reference, DeleteUser"
    post     = "/"
    form = {
      Action   = "DeleteUser"
      Version  = "2010-05-08"
      UserName = input.user
    }
    lookup "user" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback { within = "60s" }
    undo "create_user" {
      with = { user = input.user }
      loss = "another unique id, no keys, no policies"
    }
  }

  awf "add_to_group" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    personal = ["user"]
    evidence = "IAM API reference, AddUserToGroup: a repeat changes nothing"
    post     = "/"
    form = {
      Action    = "AddUserToGroup"
      Version   = "2010-05-08"
      GroupName = input.group
      UserName  = input.user
    }
    lookup "membership" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback { within = "60s" }
    undo "remove_from_group" {
      with = { group = input.group, user = input.user }
    }
  }

  awf "remove_from_group" {
    achieves = "remove"
    inputs = {
      group = "text"
      user  = "text"
    }
    personal = ["user"]
    evidence = "IAM API reference, RemoveUserFromGroup"
    post     = "/"
    form = {
      Action    = "RemoveUserFromGroup"
      Version   = "2010-05-08"
      GroupName = input.group
      UserName  = input.user
    }
    lookup "membership" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback { within = "60s" }
    undo "add_to_group" {
      with = { group = input.group, user = input.user }
    }
  }

  read "users" {
    kind = "user"
    post = "/"
    form = {
      Action   = "ListUsers"
      Version  = "2010-05-08"
      MaxItems = 50
      Marker   = page.cursor
    }
    evidence = "IAM API reference, ListUsers"
    items    = list(response.body.ListUsersResponse.ListUsersResult.Users.member)
    page "cursor" { next = response.body.ListUsersResponse.ListUsersResult.Marker }
    id = item.UserId
    text {
      name = item.UserName
      arn  = item.Arn
    }
  }
}
