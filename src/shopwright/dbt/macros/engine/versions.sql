{#
    The order in which versions of one thing count, as columns of `order by`, latest first: by the source's own time where
    it states one, else, and among equal times, by arrival. Whatever chooses between versions uses it with is_first.

    own_time  column with the time from which a version holds, or none
#}
{% macro latest_first(own_time=none) -%}
    {%- if own_time %}{{ own_time }} desc nulls last, {% endif -%}
    _batch_seq desc, _row_number desc
{%- endmacro %}
