{#-
    Bytes as text that is safe to look at: at most 1,000 characters, control characters shown as spaces. Bytes that are
    not UTF-8 are shown in hex where the warehouse has no replacement character for them.
-#}
{% macro safe_text(bytes_column) -%}
    regexp_replace(
        substr(
            coalesce(safe_convert_bytes_to_string({{ bytes_column }}), concat('hex:', to_hex({{ bytes_column }}))),
            1,
            1000
        ),
        r'[\x00-\x1f\x7f-\x9f]',
        ' '
    )
{%- endmacro %}
