//! Segments: each with the resources it becomes, both ways side by side.

pub(crate) mod ai;
pub(crate) mod al1;
pub(crate) mod dg1;
pub(crate) mod err;
pub(crate) mod evn;
pub(crate) mod ft1;
pub(crate) mod gol;
pub(crate) mod gt1;
pub(crate) mod iam;
pub(crate) mod in1;
pub(crate) mod in2;
pub(crate) mod in3;
pub(crate) mod medicine;
pub(crate) mod mrg;
pub(crate) mod msa;
pub(crate) mod msh;
pub(crate) mod nk1;
pub(crate) mod npu;
pub(crate) mod nte;
pub(crate) mod obr;
pub(crate) mod obx;
pub(crate) mod orc;
pub(crate) mod pd1;
pub(crate) mod pid;
pub(crate) mod pr1;
pub(crate) mod prb;
pub(crate) mod prd;
pub(crate) mod prt;
pub(crate) mod pv1;
pub(crate) mod pv2;
pub(crate) mod qpd;
pub(crate) mod rf1;
pub(crate) mod rgs;
pub(crate) mod rol;
pub(crate) mod rxa;
pub(crate) mod rxc;
pub(crate) mod rxd;
pub(crate) mod rxe;
pub(crate) mod rxo;
pub(crate) mod rxr;
pub(crate) mod sch;
pub(crate) mod sft;
pub(crate) mod spm;
pub(crate) mod tq1;
pub(crate) mod txa;
pub(crate) mod vaccine;

use crate::row::Table;

/// Every map, in the order of the guide's chapters.
pub(crate) static TABLES: &[&dyn Table] = &[
    &msh::HEADER,
    &msh::BUNDLE,
    &evn::EVN,
    &pid::PID,
    &pid::VISIT,
    &pid::ACCOUNT,
    &pid::NO_VISIT,
    &pd1::PD1,
    &mrg::MRG,
    &mrg::KEPT,
    &mrg::VISIT,
    &nk1::NK1,
    &pv1::PV1,
    &pv2::PV2,
    &rol::ROL,
    &al1::AL1,
    &dg1::DG1,
    &dg1::DIAGNOSIS,
    &dg1::ALONE,
    &pr1::PR1,
    &orc::ORC,
    &orc::EVENT,
    &obr::REPORT,
    &obr::REQUEST,
    &obr::ORDER,
    &obr::SPECIMEN,
    &obx::OBX,
    &nte::NTE,
    &npu::NPU,
    &spm::SPM,
    &medicine::orc::REQUEST,
    &medicine::orc::DISPENSE,
    &medicine::orc::ADMINISTRATION,
    &medicine::orc::IMMUNIZATION,
    &medicine::timing::TQ1,
    &rxo::RXO,
    &rxe::RXE,
    &rxd::RXD,
    &rxa::IMMUNIZATION,
    &rxa::ADMINISTRATION,
    &rxr::IMMUNIZATION,
    &rxr::DOSAGE,
    &rxr::ADMINISTRATION,
    &rxc::RXC,
    &in1::IN1,
    &in2::IN2,
    &in3::IN3,
    &in3::CASE,
    &gt1::GT1,
    &ft1::FT1,
    &iam::IAM,
    &prb::PRB,
    &gol::GOL,
    &sft::HEADER,
    &sft::SFT,
    &msa::MSA,
    &err::ERR,
    &qpd::QPD,
    &qpd::RCP,
    &qpd::QAK,
    &rf1::RF1,
    &prd::PRD,
    &prt::ROLE,
    &prt::DEVICE,
    &tq1::TQ1,
    &sch::SCH,
    &sch::ORDER,
    &tq1::APPOINTMENT,
    &rgs::RGS,
    &ai::AIS,
    &ai::AIG,
    &ai::AIL,
    &ai::AIP,
    &txa::TXA,
    &txa::CONTENT,
];
