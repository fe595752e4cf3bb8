//! Data types that say something about other data.

use crate::prelude::*;

structure! {
    /// What stands beside a primitive: its id and its extensions.
    Element = "Element", resource None => {
        id: Option<Text> = "id";
        extension: Vec<Extension> = "extension";
    }
}

data_type! {
    /// Something FHIR's own members do not say; `url` says what it means.
    ///
    /// The value types in use here are members, the rare ones boxed: a Bundle holds many extensions. Other types survive
    /// in `other`.
    Extension = "Extension" {
        url: Option<Text> = "url" required;
        value_boolean: Option<bool> = "valueBoolean";
        value_code: Option<Text> = "valueCode";
        value_date: Option<Box<Date>> = "valueDate";
        value_date_time: Option<DateTime> = "valueDateTime";
        value_decimal: Option<Box<Decimal>> = "valueDecimal";
        value_instant: Option<Box<Instant>> = "valueInstant";
        value_integer: Option<i32> = "valueInteger";
        value_markdown: Option<Box<Text>> = "valueMarkdown";
        value_positive_int: Option<u32> = "valuePositiveInt";
        value_string: Option<Text> = "valueString";
        value_time: Option<Box<Time>> = "valueTime";
        value_unsigned_int: Option<u32> = "valueUnsignedInt";
        value_uri: Option<Box<Text>> = "valueUri";
        value_url: Option<Box<Text>> = "valueUrl";
        value_address: Option<Box<Address>> = "valueAddress";
        value_annotation: Option<Box<Annotation>> = "valueAnnotation";
        value_attachment: Option<Box<Attachment>> = "valueAttachment";
        value_codeable_concept: Option<Box<CodeableConcept>> = "valueCodeableConcept";
        value_coding: Option<Box<Coding>> = "valueCoding";
        value_contact_point: Option<Box<ContactPoint>> = "valueContactPoint";
        value_human_name: Option<Box<HumanName>> = "valueHumanName";
        value_identifier: Option<Box<Identifier>> = "valueIdentifier";
        value_money: Option<Box<Money>> = "valueMoney";
        value_period: Option<Box<Period>> = "valuePeriod";
        value_quantity: Option<Box<Quantity>> = "valueQuantity";
        value_range: Option<Box<Range>> = "valueRange";
        value_ratio: Option<Box<Ratio>> = "valueRatio";
        value_reference: Option<Box<Reference>> = "valueReference";
        value_timing: Option<Box<Timing>> = "valueTiming";
    }
}

data_type! {
    /// What a server knows about a resource: version, time, profiles, labels.
    Meta = "Meta" {
        version_id / version_id_element: Option<Text> = "versionId";
        last_updated / last_updated_element: Option<Instant> = "lastUpdated";
        source / source_element: Option<Text> = "source";
        profile / profile_element: Vec<Text> = "profile";
        security: Vec<Coding> = "security";
        tag: Vec<Coding> = "tag";
    }
}

data_type! {
    /// The resource as XHTML for people to read.
    Narrative = "Narrative" {
        status / status_element: Option<Text> = "status" required;
        div: Option<Text> = "div" required;
    }
}

data_type! {
    /// A pointer to another resource.
    Reference = "Reference" {
        reference / reference_element: Option<Text> = "reference";
        type_ / type_element: Option<Text> = "type";
        identifier: Option<Box<Identifier>> = "identifier";
        display / display_element: Option<Text> = "display";
    }
}

data_type! {
    /// A note: who wrote it, when, its text.
    Annotation = "Annotation" {
        author_reference: Option<Reference> = "authorReference";
        author_string / author_string_element: Option<Text> = "authorString";
        time / time_element: Option<DateTime> = "time";
        text / text_element: Option<Text> = "text" required;
    }
}

data_type! {
    /// Content in another format, carried or pointed to.
    Attachment = "Attachment" {
        content_type / content_type_element: Option<Text> = "contentType";
        language / language_element: Option<Text> = "language";
        data / data_element: Option<Text> = "data";
        url / url_element: Option<Text> = "url";
        size / size_element: Option<u32> = "size";
        hash / hash_element: Option<Text> = "hash";
        title / title_element: Option<Text> = "title";
        creation / creation_element: Option<DateTime> = "creation";
    }
}

data_type! {
    /// A digital signature.
    Signature = "Signature" {
        type_: Vec<Coding> = "type" required;
        when / when_element: Option<Instant> = "when" required;
        who: Option<Reference> = "who" required;
        on_behalf_of: Option<Reference> = "onBehalfOf";
        target_format / target_format_element: Option<Text> = "targetFormat";
        sig_format / sig_format_element: Option<Text> = "sigFormat";
        data / data_element: Option<Text> = "data";
    }
}
