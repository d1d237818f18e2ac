variables {
  project = "acme"
  accounts = {
    stream    = "serviceAccount:payments-stream@acme.iam.gserviceaccount.com"
    dbt       = "serviceAccount:payments-dbt@acme.iam.gserviceaccount.com"
    dashboard = "serviceAccount:payments-dashboard@acme.iam.gserviceaccount.com"
    simulator = "serviceAccount:payments-simulator@acme.iam.gserviceaccount.com"
  }
  people = {
    analysts  = ["group:analysts@example.com", "user:anna@example.com"]
    operators = []
  }
}

run "without_managed_kafka_nobody_has_a_role_of_it" {
  command = plan

  assert {
    condition     = alltrue([for grant in output.grants : !startswith(grant.role, "roles/managedkafka.")])
    error_message = "A cluster elsewhere needs no role of Managed Kafka."
  }
}

run "without_dataproc_nobody_hands_anything_over" {
  command = plan

  assert {
    condition = alltrue([
      for grant in output.grants : !strcontains(grant.role, "dataproc") && !startswith(grant.role, "custom/") && !startswith(grant.role, "roles/iam.")
    ])
    error_message = "Spark elsewhere needs no role of Dataproc."
  }
}

run "with_dataproc_dagster_hands_over_and_acts_as_the_stream_alone" {
  command = plan

  variables {
    dataproc = true
  }

  assert {
    condition     = output.given["dbt/dataproc/dbt"].role == "projects/acme/roles/payments_submitter"
    error_message = "A role of our own is the project's."
  }

  assert {
    condition     = toset([for grant in output.grants : grant.who if startswith(grant.role, "custom/") || startswith(grant.role, "roles/iam.")]) == toset(["dbt"])
    error_message = "Nobody else hands anything over."
  }

  assert {
    condition     = alltrue([for name in output.submitter_permissions : !endswith(name, "clusters.create") && !endswith(name, ".setIamPolicy")])
    error_message = "Who hands over makes no clusters and gives no rights."
  }
}

run "no_primitive_role" {
  command = plan

  variables {
    managed_kafka = true
  }

  assert {
    condition = alltrue([
      for grant in output.grants : !contains(["roles/owner", "roles/editor", "roles/viewer"], grant.role)
    ])
    error_message = "Primitive roles reach the whole project."
  }
}

run "the_simulator_sees_no_data" {
  command = plan

  variables {
    managed_kafka = true
  }

  assert {
    condition     = toset([for grant in output.grants : grant.role if grant.who == "simulator"]) == toset(["roles/managedkafka.client"])
    error_message = "The simulator only writes to the topic."
  }
}

run "analysts_read_marts_only_and_masked" {
  command = plan

  assert {
    condition     = alltrue([for grant in output.grants : contains(["project", "marts", "policy_tags"], grant.on) if grant.who == "analysts"])
    error_message = "Analysts have no role on another layer's dataset or on a bucket."
  }
}

run "the_stream_sees_no_marts" {
  command = plan

  assert {
    condition     = alltrue([for grant in output.grants : grant.on != "marts" if grant.who == "stream"])
    error_message = "What dbt makes is no concern of the stream."
  }
}

run "the_dashboard_only_reads_and_masked" {
  command = plan

  assert {
    condition = alltrue([
      for grant in output.grants : contains([
        "roles/bigquery.jobUser", "roles/bigquery.dataViewer", "roles/bigquery.resourceViewer",
        "roles/bigquerydatapolicy.maskedReader"
      ], grant.role) if grant.who == "dashboard"
    ])
    error_message = "The dashboard has no role that writes, and none that shows a person's columns."
  }
}

run "keys_are_known_before_an_account_is_made" {
  command = plan

  assert {
    condition     = !anytrue([for name in keys(output.given) : strcontains(name, "gserviceaccount")])
    error_message = "An account's address is unknown in the first plan, and for_each takes no unknown key."
  }

  assert {
    condition     = output.given["stream/jobs/stream"].member == var.accounts["stream"]
    error_message = "An account's grant is for that account."
  }

  assert {
    condition     = length([for grant in output.given : grant if grant.who == "analysts" && grant.on == "marts"]) == 2
    error_message = "Each analyst gets each grant of analysts."
  }
}

run "on_one_machine_the_streams_account_does_all_that_is_dbts" {
  command = plan

  variables {
    managed_kafka = true
    one_machine   = true
  }

  assert {
    condition = alltrue([
      for name, grant in output.grants : output.given["${name}/stream"].member == var.accounts["stream"] if grant.who == "dbt"
    ])
    error_message = "One machine runs as one account."
  }
}
