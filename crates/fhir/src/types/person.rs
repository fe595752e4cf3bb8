//! Names, addresses and how to reach someone.

use crate::prelude::*;

data_type! {
    /// A person's name, in parts.
    HumanName = "HumanName" {
        use_ / use_element: Option<Text> = "use";
        text / text_element: Option<Text> = "text";
        family / family_element: Option<Text> = "family";
        given / given_element: Vec<Text> = "given";
        prefix / prefix_element: Vec<Text> = "prefix";
        suffix / suffix_element: Vec<Text> = "suffix";
        period: Option<Period> = "period";
    }
}

data_type! {
    /// A postal address; lines in order.
    Address = "Address" {
        use_ / use_element: Option<Text> = "use";
        type_ / type_element: Option<Text> = "type";
        text / text_element: Option<Text> = "text";
        line / line_element: Vec<Text> = "line";
        city / city_element: Option<Text> = "city";
        district / district_element: Option<Text> = "district";
        state / state_element: Option<Text> = "state";
        postal_code / postal_code_element: Option<Text> = "postalCode";
        country / country_element: Option<Text> = "country";
        period: Option<Period> = "period";
    }
}

data_type! {
    /// A telephone number, an e-mail address, a URL.
    ContactPoint = "ContactPoint" {
        system / system_element: Option<Text> = "system";
        value / value_element: Option<Text> = "value";
        use_ / use_element: Option<Text> = "use";
        rank / rank_element: Option<u32> = "rank";
        period: Option<Period> = "period";
    }
}

data_type! {
    /// A name and how to reach it.
    ContactDetail = "ContactDetail" {
        name / name_element: Option<Text> = "name";
        telecom: Vec<ContactPoint> = "telecom";
    }
}
