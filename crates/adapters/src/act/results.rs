//! Results and their corrections, as somebody in a laboratory files them.

use super::{Plan, Planner};
use crate::action::{ActError, ResultOf, TestOf};
use crate::state::Text;
use crate::state::change::{Visit, VisitAct};
use crate::state::encounter::Stage;
use crate::state::person::Coded;
use crate::state::report::{Observation, Report, Said};

impl Planner<'_> {
    pub(super) fn result(self, result: ResultOf, correct: bool) -> Result<Plan, ActError> {
        let person = self.person("patient", &result.patient)?;
        let mut change = self.change(person, result.at.as_deref())?;
        if result.tests.is_empty() {
            return Err(ActError::Bad {
                field: "tests",
                problem: "a result needs at least one",
            });
        }
        let filed = result.filler.as_deref().and_then(|filler| {
            let mut reports = person.reports.iter().filter_map(|key| self.state().report(*key));
            reports.find(|report| report.filler == filler)
        });
        if correct && filed.is_none() {
            return Err(ActError::UnknownReport);
        }
        let status = match (correct, result.status.as_deref()) {
            (true, _) => "C",
            (false, Some("preliminary")) => "P",
            (false, None | Some("final")) => "F",
            (false, Some(_)) => {
                return Err(ActError::Bad {
                    field: "status",
                    problem: "preliminary or final",
                });
            }
        };
        let filler = match result.filler {
            Some(filler) => Text::from(filler),
            None => format!("R{}{:03}", person.key, person.reports.len() + 1).into(),
        };
        let service = match (result.service, filed) {
            (Some([code, text]), _) => Coded {
                code: code.into(),
                text: text.into(),
                ..Coded::default()
            },
            (None, Some(filed)) => filed.service.clone(),
            (None, None) => {
                return Err(ActError::Bad {
                    field: "service",
                    problem: "code and words of what was asked for",
                });
            }
        };
        let observed = filed
            .and_then(|filed| filed.observed.clone())
            .unwrap_or_else(|| change.at.clone());
        let open = person
            .encounters
            .iter()
            .rev()
            .find(|encounter| encounter.stage() == Stage::Open);
        if let Some(encounter) = open {
            change.visit = Some((
                VisitAct::Refer,
                Visit {
                    number: encounter.number.clone(),
                    ..Visit::default()
                },
            ));
        }
        change.reports = vec![Report {
            filler,
            placer: result.placer.map(Text::from).unwrap_or_default(),
            service,
            issued: Some(self.now.as_str().into()),
            status: status.into(),
            observations: result
                .tests
                .iter()
                .map(|test| observation(test, status, &observed))
                .collect(),
            observed: Some(observed),
            ..Report::default()
        }];
        Ok(Plan {
            told_by: ("ORU", "R01"),
            change,
            ..Plan::default()
        })
    }
}

fn observation(test: &TestOf, status: &str, observed: &Text) -> Observation {
    let number = test.value.parse::<f64>().is_ok();
    let text = |given: &Option<String>| given.as_deref().map(Text::from).unwrap_or_default();
    Observation {
        code: Coded {
            code: test.code.as_str().into(),
            text: text(&test.name),
            ..Coded::default()
        },
        said: Said {
            value_type: Text::const_new(if number { "NM" } else { "ST" }),
            value: vec![vec![test.value.as_str().into()]],
            units: test.units.as_deref().map(|units| Coded {
                code: units.into(),
                ..Coded::default()
            }),
            range: text(&test.range),
            flag: text(&test.flag),
            status: status.into(),
            observed: Some(observed.clone()),
        },
        ..Observation::default()
    }
}
