-- Whatever was typed into the seed, a currency has at most one rate on a day: of two the one that begins later. A gap
-- stays a gap. A rate that is none leaves its payments without a value, and ends no build by a division by zero.
with fx_rates as (
    select *
    from {{ one_row_each(ref('fx_rates'), 'currency, valid_from', 'eur_per_thousand') }}
    where eur_per_thousand > 0 and valid_from is not null
)

select
    currency,
    valid_from,
    least(
        coalesce(valid_to, date '9999-12-31'),
        coalesce(lead(valid_from) over (partition by currency order by valid_from), date '9999-12-31')
    ) as valid_to,
    eur_per_thousand
from fx_rates
