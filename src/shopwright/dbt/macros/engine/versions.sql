{#
    The order in which versions of one thing count, as columns of `order by`, latest first: by the source's own time where
    it states one, else, and among equal times, by arrival. Whatever chooses between versions uses it with is_first.

    own_time  column with the time from which a version holds, or none
#}
{% macro latest_first(own_time=none) -%}
    {%- if own_time %}{{ own_time }} desc nulls last, {% endif -%}
    _batch_seq desc, _row_number desc
{%- endmacro %}

{#
    Condition: a newer statement of the whole order, by the same source, replaced the row. A file that states whole orders
    gives each row its batch as _statement_seq. Rows of other files are replaced by later statements only.

    table  the lake's table of parts of orders
#}
{% macro is_replaced(table) -%}
    {%- if not is_ever_filled('_statement_seq', table) -%}{{ return('false') }}{%- endif -%}
    coalesce(
        coalesce(_statement_seq, _batch_seq) < max(_statement_seq) over (partition by order_id, _source), false
    )
{%- endmacro %}
