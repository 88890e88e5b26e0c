{#
    The marketing channel of an event: what the source states, else what the campaign's parameters and the ad platforms'
    click ids say. Nothing is derived from a referrer: whether its host is the shop's own is not known here, and a page of
    the shop would count as a referral. The words are those that Google Analytics documents for its default channels.
#}
{% macro event_channel() -%}
    {%- if not source_has_campaigns() -%}{{ return(null_if_reserved('channel')) }}{%- endif -%}
    coalesce({{ null_if_reserved('channel') }}, {{ campaign_channel() }})
{%- endmacro %}

{% macro campaign_channel() -%}
    {%- set medium = "lower(trim(utm_medium))" -%}
    {%- set source = "lower(trim(utm_source))" -%}
    {%- set is_search = source ~ " similar to '(.*[.])?(google|bing|yahoo|duckduckgo|baidu|yandex|ecosia|naver|qwant)([.].*)?'" -%}
    {%- set is_social = source ~ " similar to '(.*[.])?(facebook|fb|instagram|ig|meta|tiktok|pinterest|twitter|x|t[.]co|linkedin"
        ~ "|snapchat|reddit|youtube|threads|whatsapp|telegram)([.].*)?'" -%}
    {%- set is_paid = "(" ~ medium ~ " similar to '.*cp.|ppc|sem|retargeting|remarketing|paid.*' and " ~ medium ~ " <> 'cpm')" -%}
    case
        when gclid is not null or msclkid is not null then 'paid_search'
        when {{ medium }} similar to 'e-?_?mail|newsletter' or {{ source }} similar to 'e-?_?mail|newsletter|klaviyo|mailchimp'
            then 'email'
        when {{ medium }} similar to 'affiliates?|partners?' then 'affiliate'
        when {{ medium }} = 'sms' then 'sms'
        when {{ medium }} similar to '.*push|notification' then 'push'
        when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm', 'programmatic') then 'display'
        when {{ is_paid }} and ({{ is_social }} or contains({{ medium }}, 'social')) then 'paid_social'
        when {{ is_paid }} and ({{ is_search }} or {{ medium }} similar to 'sem|.*search') then 'paid_search'
        when {{ is_paid }} then 'paid_other'
        when {{ medium }} similar to 'social.*|sm' or fbclid is not null then 'social'
        when {{ medium }} in ('(none)', 'none', 'direct') or {{ source }} in ('(direct)', 'direct') then 'direct'
        when {{ medium }} = 'organic' then 'organic_search'
        when {{ is_social }} then 'social'
        when {{ medium }} in ('referral', 'link') then 'referral'
        when coalesce(utm_medium, utm_source, utm_campaign) is not null then 'unassigned'
    end
{%- endmacro %}
