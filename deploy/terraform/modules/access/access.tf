# Who may do what, and why. This module has no provider: it is data, so it can be tested anywhere.
#
# A grant is on the smallest thing that has it: a bucket or the dataset of a layer before the project.

locals {
  grants = {
    # The streaming job: Spark, its checkpoint, and the transaction that publishes a batch.
    "stream/jobs" = {
      who = "stream", on = "project", role = "roles/bigquery.jobUser",
      why = "starts load jobs and transactions"
    }
    "stream/raw" = {
      who = "stream", on = "raw", role = "roles/bigquery.dataEditor",
      why = "makes the tables, loads staging tables, writes batches and drops staging tables"
    }
    "stream/operations" = {
      who = "stream", on = "operations", role = "roles/bigquery.dataEditor",
      why = "makes the tables, writes the ledger and moves the control row"
    }
    "stream/checkpoints" = {
      who = "stream", on = "checkpoints", role = "roles/storage.objectUser",
      why = "writes, reads and deletes the files of the checkpoint and the deduplication"
    }
    "stream/staging" = {
      who = "stream", on = "staging", role = "roles/storage.objectUser",
      why = "stages a batch's files; a load job reads them with the rights of who started it"
    }
    "stream/kafka" = {
      who = "stream", on = "project", role = "roles/managedkafka.client",
      why = "reads the topic of a Managed Kafka cluster", optional = "managed_kafka"
    }
    "stream/dataproc" = {
      who = "stream", on = "project", role = "roles/dataproc.worker",
      why = "a batch or a cluster of Dataproc that runs as this account reports to Dataproc", optional = "dataproc"
    }
    "stream/columns" = {
      who = "stream", on = "policy_tags", role = "roles/datacatalog.categoryFineGrainedReader",
      why = "compares ids and reads raw values again"
    }

    # dbt, and what Dagster does beside it: builds, checks, decisions.
    "dbt/jobs" = {
      who = "dbt", on = "project", role = "roles/bigquery.jobUser",
      why = "runs builds and checks"
    }
    "dbt/raw" = {
      who = "dbt", on = "raw", role = "roles/bigquery.dataEditor",
      why = "requests decisions, carries them out where no processor is at work, deletes days that have expired"
    }
    "dbt/operations" = {
      who = "dbt", on = "operations", role = "roles/bigquery.dataEditor",
      why = "seals days, keeps what the watch and the broker say, loads senders' reports"
    }
    "dbt/marts" = {
      who = "dbt", on = "marts", role = "roles/bigquery.dataEditor",
      why = "makes and replaces models, loads seeds, deletes what was erased"
    }
    "dbt/backtest" = {
      who = "dbt", on = "backtest", role = "roles/bigquery.dataEditor",
      why = "loads and scores made-up payments, to judge fraud rules"
    }
    "dbt/staging" = {
      who = "dbt", on = "staging", role = "roles/storage.objectUser",
      why = "a backfill stages what it has recomputed; its load job reads it"
    }
    "dbt/kafka" = {
      who = "dbt", on = "project", role = "roles/managedkafka.client",
      why = "asks a Managed Kafka cluster what waits, and reads records again for a backfill", optional = "managed_kafka"
    }
    "dbt/dataproc" = {
      who = "dbt", on = "project", role = "custom/payments_submitter",
      why = "Dagster hands a run over to Dataproc, looks at it and cancels it", optional = "dataproc"
    }
    "dbt/as_stream" = {
      who = "dbt", on = "stream_account", role = "roles/iam.serviceAccountUser",
      why = "what Dagster hands over runs as the stream's account", optional = "dataproc"
    }
    "dbt/columns" = {
      who = "dbt", on = "policy_tags", role = "roles/datacatalog.categoryFineGrainedReader",
      why = "joins and groups by account ids"
    }

    # The page and its metrics: reads, and no more.
    "dashboard/jobs" = {
      who = "dashboard", on = "project", role = "roles/bigquery.jobUser",
      why = "runs the queries of the page"
    }
    "dashboard/raw" = {
      who = "dashboard", on = "raw", role = "roles/bigquery.dataViewer",
      why = "reads views over it, and the newest quarantined records"
    }
    "dashboard/operations" = {
      who = "dashboard", on = "operations", role = "roles/bigquery.dataViewer",
      why = "reads the ledger and the control row"
    }
    "dashboard/marts" = {
      who = "dashboard", on = "marts", role = "roles/bigquery.dataViewer",
      why = "reads what dbt has made of them"
    }
    "dashboard/costs" = {
      who = "dashboard", on = "project", role = "roles/bigquery.resourceViewer",
      why = "the costs a day are of the job list of all"
    }
    "dashboard/columns" = {
      who = "dashboard", on = "policy_tags", role = "roles/bigquerydatapolicy.maskedReader",
      why = "sees account ids as hashes and raw values as NULL, whoever looks"
    }
    "dashboard/kafka" = {
      who = "dashboard", on = "project", role = "roles/managedkafka.client",
      why = "asks a Managed Kafka cluster where its partitions end", optional = "managed_kafka"
    }

    # People who look at results.
    "analysts/jobs" = {
      who = "analysts", on = "project", role = "roles/bigquery.jobUser",
      why = "run queries"
    }
    "analysts/marts" = {
      who = "analysts", on = "marts", role = "roles/bigquery.dataViewer",
      why = "read the tables of the marts, and nothing of the other datasets"
    }
    "analysts/columns" = {
      who = "analysts", on = "policy_tags", role = "roles/bigquerydatapolicy.maskedReader",
      why = "see account ids and addresses as hashes, raw values as NULL"
    }

    # People who run the platform: `payments certify`, `payments costs`, looking into an incident.
    "operators/certify" = {
      who = "operators", on = "project", role = "roles/bigquery.user",
      why = "certify makes a dataset of its own and deletes it"
    }
    "operators/raw" = {
      who = "operators", on = "raw", role = "roles/bigquery.dataViewer",
      why = "look for a record when something is wrong"
    }
    "operators/operations" = {
      who = "operators", on = "operations", role = "roles/bigquery.dataViewer",
      why = "read the ledger, incidents and decisions when something is wrong"
    }
    "operators/marts" = {
      who = "operators", on = "marts", role = "roles/bigquery.dataViewer",
      why = "read what dbt has made of them"
    }
    "operators/costs" = {
      who = "operators", on = "project", role = "roles/bigquery.resourceViewer",
      why = "payments costs reads the job list of all"
    }
    "operators/staging" = {
      who = "operators", on = "staging", role = "roles/storage.objectUser",
      why = "certify stages files of its own"
    }

    # Made-up traffic, for a trial. It sees no table.
    "simulator/kafka" = {
      who = "simulator", on = "project", role = "roles/managedkafka.client",
      why = "writes to the topic of a Managed Kafka cluster", optional = "managed_kafka"
    }
  }

  # A role of our own: Google's least that may hand over a job may make clusters, too.
  submitter_permissions = [
    "dataproc.batches.create", "dataproc.batches.get", "dataproc.operations.cancel",
    "dataproc.clusters.use", "dataproc.jobs.cancel", "dataproc.jobs.create", "dataproc.jobs.get",
  ]

  chosen = { managed_kafka = var.managed_kafka, dataproc = var.dataproc }
  asked  = { for name, grant in local.grants : name => grant if lookup(local.chosen, try(grant.optional, ""), true) }

  # Whom a grant is for. The keys are known before any account is made: Terraform plans by them.
  members = merge(
    { for name, member in var.accounts : name => { (name) = member } },
    { dbt = { for name in concat(["dbt"], var.one_machine ? ["stream"] : []) : name => var.accounts[name] } },
    { for who, members in var.people : who => { for member in members : member => member } },
  )
}

variable "accounts" {
  description = "Service accounts as members, by what they are for; their addresses may be unknown yet."
  type        = map(string)
}

variable "people" {
  description = "Members by who they are: analysts, operators."
  type        = map(set(string))
}

variable "one_machine" {
  description = "Whether the stream's account does what is dbt's as well."
  type        = bool
  default     = false
}

variable "managed_kafka" {
  description = "Whether the cluster is Google's Managed Kafka: another needs no role here."
  type        = bool
  default     = false
}

variable "dataproc" {
  description = "Whether Dagster hands the streaming job over to Dataproc."
  type        = bool
  default     = false
}

variable "project" {
  description = "Where roles of our own are."
  type        = string
}

output "submitter_permissions" {
  description = "What the role custom/payments_submitter may do."
  value       = local.submitter_permissions
}

output "grants" {
  description = "By name: who, on what, which role, and why."
  value       = local.asked
}

output "given" {
  description = "Each grant once for each member, by the grant's name and the member's."

  value = merge([
    for name, grant in local.asked : {
      for key, member in local.members[grant.who] : "${name}/${key}" => merge(grant, {
        member = member, role = replace(grant.role, "/^custom\\//", "projects/${var.project}/roles/")
      })
    }
  ]...)
}
