variable "project" {
  description = "The project of the warehouse: BIGQUERY_PROJECT."
  type        = string
}

variable "region" {
  description = "Where buckets live, such as europe-west3. It must lie in `location`: a load job reads no bucket elsewhere."
  type        = string
}

variable "location" {
  description = "Of the datasets, such as EU: BIGQUERY_LOCATION. A transaction is of one location."
  type        = string
}

variable "raw_dataset" {
  description = "BIGQUERY_RAW_DATASET: what records and people say, and staging tables."
  type        = string
  default     = "payment_raw"
}

variable "dataset" {
  description = "BIGQUERY_DATASET: the ledger, the control row, and all else that is operations."
  type        = string
  default     = "payment_data"
}

variable "marts_dataset" {
  description = "BIGQUERY_MARTS_DATASET: all that dbt makes."
  type        = string
  default     = "payment_marts"

  validation {
    condition     = length(toset([var.raw_dataset, var.dataset, var.marts_dataset])) == 3
    error_message = "Access is given by dataset: each layer needs one of its own."
  }
}

variable "analysts" {
  description = "Who reads the dataset of the marts, such as group:payments-analysts@example.com. Leave it empty until the marts' columns have their policy tags."
  type        = set(string)
  default     = []
}

variable "operators" {
  description = "Who runs the platform and `payments certify`."
  type        = set(string)
  default     = []
}

variable "kms_key" {
  description = "A key in Cloud KMS for the datasets and the buckets; empty: Google's own keys."
  type        = string
  default     = ""
}

variable "managed_kafka" {
  description = "Whether the cluster is Google's Managed Kafka."
  type        = bool
  default     = false
}

variable "dataproc" {
  description = "Whether Dagster hands the streaming job over to Dataproc."
  type        = bool
  default     = false
}

variable "one_machine" {
  description = "Whether stream, dbt and Dagster are processes of one machine, which runs as the stream's account."
  type        = bool
  default     = false
}

variable "keep_staging_days" {
  description = "After so many days a staged file is deleted that a run left behind."
  type        = number
  default     = 3
}

variable "billing_account" {
  description = "For the budget; empty: none is made."
  type        = string
  default     = ""
}

variable "budget_units" {
  description = "Of a month, in the billing account's currency."
  type        = number
  default     = 500
}

variable "alert_emails" {
  description = "Who is told when the budget is used up to a half, nine tenths and all of it, and when jobs fail."
  type        = set(string)
  default     = []

  validation {
    condition     = length(var.alert_emails) <= 5
    error_message = "A budget tells five addresses at most: name a group."
  }
}
