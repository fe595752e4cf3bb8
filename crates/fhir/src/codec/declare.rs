//! The macros that declare structures.
//!
//! One line is one element of R4: `member / sibling: Type = "name" required;`. From it come the field, its place in
//! reading and writing, its `_name` sibling when it is a primitive, and its check. The order of lines is R4's order.

macro_rules! structure {
    (
        $(#[$doc:meta])*
        $name:ident = $place:literal, resource $resource:expr => {
            $($member:ident $(/ $sibling:ident)?: $type:ty = $json:literal $($required:ident)?;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
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

        impl $crate::codec::Structure for $name {
            fn place(&self) -> &'static str {
                $place
            }

            fn resource_type(&self) -> Option<&'static str> {
                $resource
            }

            fn read_member(
                &mut self,
                name: &str,
                reader: &mut $crate::codec::Reader<'_>,
            ) -> $crate::codec::Result<bool> {
                match name {
                    $($json => $crate::codec::Member::read(&mut self.$member, reader)
                        .map_err(|error| error.in_member($json))?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            fn read_sibling(
                &mut self,
                name: &str,
                reader: &mut $crate::codec::Reader<'_>,
            ) -> $crate::codec::Result<bool> {
                let _ = &reader;
                match name {
                    $($($json => $crate::codec::Member::read(&mut self.$sibling, reader)
                        .map_err(|error| error.in_sibling($json))?,)?)*
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            }

            fn write_members(&self, writer: &mut $crate::codec::Writer) {
                $(
                    $crate::codec::Member::write(&self.$member, concat!("\"", $json, "\":"), writer);
                    $($crate::codec::Member::write(&self.$sibling, concat!("\"_", $json, "\":"), writer);)?
                )*
            }

            fn unknown(&self) -> &$crate::Other {
                &self.other
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
            fn read_item(reader: &mut $crate::codec::Reader<'_>) -> $crate::codec::Result<Option<Self>> {
                let mut value = Self::default();
                let told = $crate::codec::read_object(reader, &mut value)?;
                Ok(told.then_some(value))
            }

            fn read_into(
                place: &mut Option<Self>,
                reader: &mut $crate::codec::Reader<'_>,
            ) -> $crate::codec::Result<()> {
                if !$crate::codec::read_object(reader, place.insert(Self::default()))? {
                    *place = None;
                }
                Ok(())
            }

            fn read_onto(
                list: &mut Vec<Self>,
                reader: &mut $crate::codec::Reader<'_>,
            ) -> $crate::codec::Result<()> {
                list.push(Self::default());
                if let Some(last) = list.last_mut()
                    && !$crate::codec::read_object(reader, last)?
                {
                    list.pop();
                }
                Ok(())
            }

            fn read_boxed(reader: &mut $crate::codec::Reader<'_>) -> $crate::codec::Result<Option<Box<Self>>> {
                let mut value = Box::<Self>::default();
                let told = $crate::codec::read_object(reader, value.as_mut())?;
                Ok(told.then_some(value))
            }

            fn write_item(&self, writer: &mut $crate::codec::Writer) -> bool {
                $crate::codec::write_object(self, writer)
            }

            fn check_item(&self, report: &mut $crate::check::Report) {
                $crate::codec::Structure::check_members(self, report);
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::codec::bridge::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::codec::bridge::deserialize(deserializer)
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
