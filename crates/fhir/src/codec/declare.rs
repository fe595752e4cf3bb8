//! The macros that declare structures.
//!
//! One line is one element of R4: `member / sibling: Type = "name" required;`. From it come the field, its place in
//! serde's reading and writing, its `_name` sibling when it is a primitive, and its check. The order of lines is R4's order.

macro_rules! structure {
    (
        $(#[$doc:meta])*
        $name:ident = $place:literal, resource $resource:expr => {
            $($member:ident $(/ $sibling:ident)?: $type:ty = $json:literal $($required:ident)?;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("`", $json, "`", $(" (", stringify!($required), ")")?)]
                pub $member: $type,
                $(
                    #[doc = concat!("`_", $json, "`: id and extensions of the primitive")]
                    pub $sibling: <$type as $crate::codec::Member>::Sibling,
                )?
            )*
            /// Members that are none of the above, as they came.
            pub other: $crate::Other,
        }

        /// As JSON: what is absent is not told.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::codec::write::debug($place, &|out| $crate::codec::Item::write_item(self, out), f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                let resource: Option<&'static str> = $resource;
                if let Some(name) = resource {
                    serde::ser::SerializeMap::serialize_entry(&mut map, "resourceType", name)?;
                }
                $(
                    $crate::codec::Member::write(&self.$member, $json, &mut map)?;
                    $($crate::codec::Member::write(&self.$sibling, concat!("_", $json), &mut map)?;)?
                )*
                self.other.write(&mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut value = Self::default();
                deserializer.deserialize_map($crate::codec::Fill(&mut value))?;
                Ok(value)
            }
        }

        impl $crate::codec::Structure for $name {
            const PLACE: &'static str = $place;
            const RESOURCE_TYPE: Option<&'static str> = $resource;

            fn read_member<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match name {
                    $(
                        $json => $crate::codec::Member::read(&mut self.$member, map)?,
                        $(concat!("_", $json) => {
                            $crate::codec::Member::read(&mut self.$sibling, map)?;
                        })?
                    )*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            fn read_text(text: &str) -> serde_json::Result<Self> {
                serde_json::from_str(text)
            }

            fn read_text_boxed(text: &str) -> serde_json::Result<Box<Self>> {
                $crate::codec::read_boxed(text)
            }

            fn unknown_mut(&mut self) -> &mut $crate::Other {
                &mut self.other
            }

            fn check_members(&self, report: &mut $crate::check::Report) {
                $(
                    report.in_member($json, |report| {
                        $crate::codec::Member::check(&self.$member, report);
                        let required = !concat!($(stringify!($required))?).is_empty();
                        if required
                            && $crate::codec::Member::is_absent(&self.$member)
                            $(&& $crate::codec::Member::is_absent(&self.$sibling))?
                        {
                            report.add("this element is required");
                        }
                        $($crate::codec::Member::check(&self.$sibling, report);)?
                    });
                )*
            }
        }

        impl $crate::codec::Item for $name {
            fn read_at<'de, D: serde::Deserializer<'de>>(
                place: &mut Option<Self>,
                deserializer: D,
            ) -> Result<(), D::Error> {
                deserializer.deserialize_map($crate::codec::Fill(place.insert(Self::default())))
            }

            fn write_item(&self, out: &mut Vec<u8>) {
                out.push(b'{');
                let resource: Option<&'static str> = $resource;
                if resource.is_some() {
                    out.extend_from_slice(concat!("\"resourceType\":\"", $place, "\",").as_bytes());
                }
                $(
                    $crate::codec::Member::write_json(&self.$member, concat!("\"", $json, "\":"), out);
                    $($crate::codec::Member::write_json(&self.$sibling, concat!("\"_", $json, "\":"), out);)?
                )*
                self.other.write_json(out);
                $crate::codec::write::close(b'}', out);
            }

            fn is_empty(&self) -> bool {
                let resource: Option<&'static str> = $resource;
                resource.is_none()
                    $(
                        && $crate::codec::Member::is_absent(&self.$member)
                        $(&& $crate::codec::Member::is_absent(&self.$sibling))?
                    )*
                    && self.other.is_empty()
            }

            fn check_item(&self, report: &mut $crate::check::Report) {
                $crate::codec::Structure::check_members(self, report);
            }
        }
    };
}

/// A data type: id and extensions, then its own members.
macro_rules! data_type {
    ($(#[$doc:meta])* $name:ident = $place:literal { $($members:tt)* }) => {
        structure! {
            $(#[$doc])*
            $name = $place, resource None => {
                id: Option<Text> = "id";
                extension: Vec<Extension> = "extension";
                $($members)*
            }
        }
    };
}

/// A part of a resource: a data type with modifier extensions.
macro_rules! backbone {
    ($(#[$doc:meta])* $name:ident = $place:literal { $($members:tt)* }) => {
        structure! {
            $(#[$doc])*
            $name = $place, resource None => {
                id: Option<Text> = "id";
                extension: Vec<Extension> = "extension";
                modifier_extension: Vec<Extension> = "modifierExtension";
                $($members)*
            }
        }
    };
}

/// A resource without narrative and extensions of its own: Bundle, Binary, Parameters.
macro_rules! plain_resource {
    ($(#[$doc:meta])* $name:ident = $place:literal { $($members:tt)* }) => {
        structure! {
            $(#[$doc])*
            $name = $place, resource Some($place) => {
                id: Option<Text> = "id";
                meta: Option<Meta> = "meta";
                implicit_rules / implicit_rules_element: Option<Text> = "implicitRules";
                language / language_element: Option<Text> = "language";
                $($members)*
            }
        }
    };
}

/// A resource with everything a DomainResource has.
macro_rules! domain_resource {
    ($(#[$doc:meta])* $name:ident = $place:literal { $($members:tt)* }) => {
        structure! {
            $(#[$doc])*
            $name = $place, resource Some($place) => {
                id: Option<Text> = "id";
                meta: Option<Meta> = "meta";
                implicit_rules / implicit_rules_element: Option<Text> = "implicitRules";
                language / language_element: Option<Text> = "language";
                text: Option<Box<Narrative>> = "text";
                contained: Vec<Resource> = "contained";
                extension: Vec<Extension> = "extension";
                modifier_extension: Vec<Extension> = "modifierExtension";
                $($members)*
            }
        }
    };
}

pub(crate) use {backbone, data_type, domain_resource, plain_resource, structure};
