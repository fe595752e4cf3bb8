//! A disk that can fail: SQLite's own file layer with a fault in front of it.
//!
//! Every file operation goes to the real layer, so that locks, shared memory and concurrency are what they are
//! in the field. In front of it stands a [`Disk`] per folder, which counts writes and fsyncs, fails the one it
//! is told to fail, and remembers what a power cut would leave: the bytes as of the last fsync, and the writes
//! since, any of which may or may not have arrived, whole or in part.
//!
//! Installed as SQLite's default for the whole process: the code under test opens files as it always does.

#![allow(
    unsafe_code,
    reason = "SQLite's file layer is a C interface; this file is part of no product, only of tests"
)]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rusqlite::ffi;

/// Bytes that arrive whole or not at all.
const SECTOR: usize = 512;

/// What goes wrong, and when. Counts are 1-based and go on over every file of the folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The n-th write fails, and nothing of it arrives.
    Write(u64),
    /// The n-th write fails after half of it has arrived.
    HalfWrite(u64),
    /// The n-th fsync fails.
    Sync(u64),
    /// From the n-th write on there is no room, until [`Disk::make_room`].
    FullFrom(u64),
    /// At the n-th operation of either kind the power goes: nothing works any more.
    Cut(u64),
}

/// How much of what was not fsynced a power cut leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    Nothing,
    Everything,
    /// Some writes, some sectors, by this seed.
    Some(u64),
}

/// One folder's disk.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    fault: Fault,
    writes: u64,
    syncs: u64,
    struck: u64,
    dead: bool,
    files: HashMap<PathBuf, File>,
}

#[derive(Debug, Default)]
struct File {
    /// As of the last fsync; none before the first.
    durable: Option<Vec<u8>>,
    /// Since the last fsync.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

static DISKS: Mutex<Vec<Weak<Disk>>> = Mutex::new(Vec::new());

impl Disk {
    /// Puts a disk under a folder; installs the layer if this is the first.
    pub fn under(folder: &Path, fault: Fault) -> Arc<Self> {
        install();
        let disk = Arc::new(Self {
            folder: folder.canonicalize().expect("the folder is there"),
            inner: Mutex::new(Inner {
                fault,
                ..Inner::default()
            }),
        });
        let mut disks = lock(&DISKS);
        disks.retain(|known| known.strong_count() > 0);
        disks.push(Arc::downgrade(&disk));
        drop(disks);
        disk
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes and fsyncs so far, and how often a fault struck.
    pub fn counts(&self) -> (u64, u64, u64) {
        let inner = lock(&self.inner);
        (inner.writes, inner.syncs, inner.struck)
    }

    pub fn set(&self, fault: Fault) {
        lock(&self.inner).fault = fault;
    }

    pub fn make_room(&self) {
        self.set(Fault::None);
    }

    /// Whether these bytes stand in what a power cut now would leave at least.
    pub fn holds_durably(&self, bytes: &[u8]) -> bool {
        let inner = lock(&self.inner);
        let durable = inner.files.values().filter_map(|file| file.durable.as_ref());
        durable.into_iter().any(|content| find(content, bytes))
    }

    /// Cuts the power now, if it is not cut already.
    pub fn cut(&self) {
        lock(&self.inner).dead = true;
    }

    pub fn is_cut(&self) -> bool {
        lock(&self.inner).dead
    }

    /// What is found after the power came back, in a folder of its own.
    pub fn remains(&self, remains: Remains) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = lock(&self.inner);
        let mut chance = Chance(match remains {
            Remains::Some(seed) => seed,
            _ => 0,
        });
        for (path, file) in &inner.files {
            let mut content = file.durable.clone().unwrap_or_default();
            for change in &file.pending {
                match remains {
                    Remains::Nothing => {}
                    Remains::Everything => change.make(&mut content, None),
                    Remains::Some(_) => change.make(&mut content, Some(&mut chance)),
                }
            }
            let exists = file.durable.is_some() || !content.is_empty();
            if exists {
                let name = path.file_name().expect("a file has a name");
                std::fs::write(folder.path().join(name), content).expect("written");
            }
        }
        folder
    }
}

impl Change {
    /// Carries the change out, whole or by chance.
    fn make(&self, content: &mut Vec<u8>, chance: Option<&mut Chance>) {
        match (self, chance) {
            (Self::Truncate(length), None) => content.resize(*length, 0),
            (Self::Truncate(length), Some(chance)) => {
                if chance.next() % 2 == 0 {
                    content.resize(*length, 0);
                }
            }
            (Self::Write(at, bytes), None) => put(content, *at, bytes),
            (Self::Write(at, bytes), Some(chance)) => {
                let all = chance.next() % 3;
                for (sector, part) in bytes.chunks(SECTOR).enumerate() {
                    if all == 0 || (all == 1 && chance.next() % 2 == 0) {
                        put(content, at + sector * SECTOR, part);
                    }
                }
            }
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

fn find(content: &[u8], bytes: &[u8]) -> bool {
    memchr::memmem::rfind(content, bytes).is_some()
}

/// The same numbers for the same seed.
#[derive(Debug)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a file operation may do.
enum Leave {
    Go,
    Half,
    Fail(c_int),
}

impl Inner {
    fn may_write(&mut self) -> Leave {
        if self.dead {
            return Leave::Fail(ffi::SQLITE_IOERR_WRITE);
        }
        self.writes += 1;
        let (writes, operations) = (self.writes, self.writes + self.syncs);
        let leave = match self.fault {
            Fault::Write(at) if at == writes => Leave::Fail(ffi::SQLITE_IOERR_WRITE),
            Fault::HalfWrite(at) if at == writes => Leave::Half,
            Fault::FullFrom(at) if at <= writes => Leave::Fail(ffi::SQLITE_FULL),
            Fault::Cut(at) if at == operations => {
                self.dead = true;
                Leave::Fail(ffi::SQLITE_IOERR_WRITE)
            }
            _ => Leave::Go,
        };
        self.struck += u64::from(!matches!(leave, Leave::Go));
        leave
    }

    fn may_sync(&mut self) -> Leave {
        if self.dead {
            return Leave::Fail(ffi::SQLITE_IOERR_FSYNC);
        }
        self.syncs += 1;
        let (syncs, operations) = (self.syncs, self.writes + self.syncs);
        let leave = match self.fault {
            Fault::Sync(at) if at == syncs => Leave::Fail(ffi::SQLITE_IOERR_FSYNC),
            Fault::Cut(at) if at == operations => {
                self.dead = true;
                Leave::Fail(ffi::SQLITE_IOERR_FSYNC)
            }
            _ => Leave::Go,
        };
        self.struck += u64::from(!matches!(leave, Leave::Go));
        leave
    }
}

// Below: the C interface. Each function is called by SQLite with a file it opened by `open`.

#[repr(C)]
struct Shim {
    base: ffi::sqlite3_file,
    state: *mut State,
}

struct State {
    disk: Option<Arc<Disk>>,
    path: PathBuf,
}

struct Real(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's registered layers live as long as the process and may be used from any thread.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

static REAL: OnceLock<Real> = OnceLock::new();

fn install() {
    REAL.get_or_init(|| {
        // SAFETY: SQLite hands out its default layer, which is never freed; the copy registered here is leaked
        // and so lives as long as the process. `szOsFile` leaves room for our part and the real one.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let real = ffi::sqlite3_vfs_find(std::ptr::null());
            let mut ours = *real;
            ours.pNext = std::ptr::null_mut();
            ours.zName = c"failing".as_ptr();
            ours.szOsFile += c_int::try_from(size_of::<Shim>()).expect("small");
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            let ours = Box::leak(Box::new(ours));
            assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK);
            Real(real)
        }
    });
}

fn real() -> *mut ffi::sqlite3_vfs {
    REAL.get().expect("installed before any file is opened").0
}

fn disk_of(path: &Path) -> Option<Arc<Disk>> {
    let disks = lock(&DISKS);
    disks
        .iter()
        .filter_map(Weak::upgrade)
        .find(|disk| path.starts_with(&disk.folder))
}

/// The real file behind ours, in the same allocation.
unsafe fn behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite allocated `szOsFile` bytes, of which ours are the first.
    unsafe { file.byte_add(size_of::<Shim>()) }
}

unsafe fn state<'a>(file: *mut ffi::sqlite3_file) -> &'a State {
    // SAFETY: `open` has set the pointer, `close` is the last to use it.
    unsafe { &*(*file.cast::<Shim>()).state }
}

macro_rules! real_method {
    ($file:expr, $method:ident ( $($argument:expr),* )) => {{
        let behind = behind($file);
        let methods = &*(*behind).pMethods;
        methods.$method.expect("the real layer has it")(behind, $($argument),*)
    }};
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are SQLite's own and go to the real layer unchanged, with its own part of the file.
    unsafe {
        (*file).pMethods = std::ptr::null();
        // A temporary file has no name.
        let path = match name.is_null() {
            true => PathBuf::new(),
            false => PathBuf::from(CStr::from_ptr(name).to_string_lossy().into_owned()),
        };
        let disk = disk_of(&path);
        if disk.as_ref().is_some_and(|disk| disk.is_cut()) {
            return ffi::SQLITE_CANTOPEN;
        }
        let done = (*real()).xOpen.expect("opens")(real(), name, behind(file), flags, out_flags);
        if done != ffi::SQLITE_OK {
            return done;
        }
        if let Some(disk) = &disk {
            let mut inner = lock(&disk.inner);
            inner.files.entry(path.clone()).or_insert_with(|| {
                // What lies there before the disk is under it has lasted already.
                File {
                    durable: std::fs::read(&path).ok().filter(|found| !found.is_empty()),
                    pending: Vec::new(),
                }
            });
        }
        (*file.cast::<Shim>()).state = Box::into_raw(Box::new(State { disk, path }));
        (*file).pMethods = &raw const METHODS;
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: as in `open`.
    unsafe {
        let path = PathBuf::from(CStr::from_ptr(name).to_string_lossy().into_owned());
        if let Some(disk) = disk_of(&path) {
            let mut inner = lock(&disk.inner);
            if inner.dead {
                return ffi::SQLITE_IOERR_DELETE;
            }
            inner.files.remove(&path);
        }
        (*real()).xDelete.expect("deletes")(real(), name, sync_dir)
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; the box was made by `open`.
    unsafe {
        let done = real_method!(file, xClose());
        drop(Box::from_raw((*file.cast::<Shim>()).state));
        done
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: passed on unchanged.
    unsafe {
        if state(file).disk.as_ref().is_some_and(|disk| disk.is_cut()) {
            return ffi::SQLITE_IOERR_READ;
        }
        real_method!(file, xRead(to, count, at))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite gives `count` readable bytes; a shorter count reads fewer of them.
    unsafe {
        let State {
            disk: Some(disk),
            path,
        } = state(file)
        else {
            return real_method!(file, xWrite(from, count, at));
        };
        let mut inner = lock(&disk.inner);
        let length = usize::try_from(count).expect("not negative");
        let (length, result) = match inner.may_write() {
            Leave::Go => (length, ffi::SQLITE_OK),
            Leave::Half => (length / 2, ffi::SQLITE_IOERR_WRITE),
            Leave::Fail(code) => return code,
        };
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), length);
        let place = usize::try_from(at).expect("not negative");
        let shadow = inner.files.entry(path.clone()).or_default();
        shadow.pending.push(Change::Write(place, bytes.to_vec()));
        let done = real_method!(file, xWrite(from, c_int::try_from(length).expect("small"), at));
        if done == ffi::SQLITE_OK { result } else { done }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: passed on unchanged.
    unsafe {
        if let State {
            disk: Some(disk),
            path,
        } = state(file)
        {
            let mut inner = lock(&disk.inner);
            match inner.may_write() {
                Leave::Go => {}
                Leave::Half | Leave::Fail(_) => return ffi::SQLITE_IOERR_TRUNCATE,
            }
            let length = usize::try_from(length).expect("not negative");
            let shadow = inner.files.entry(path.clone()).or_default();
            shadow.pending.push(Change::Truncate(length));
        }
        real_method!(file, xTruncate(length))
    }
}

/// The simulated disk decides what lasts, so the real one need not be waited for.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: passed on unchanged.
    unsafe {
        let State {
            disk: Some(disk),
            path,
        } = state(file)
        else {
            return real_method!(file, xSync(flags));
        };
        let mut inner = lock(&disk.inner);
        match inner.may_sync() {
            Leave::Go => {}
            Leave::Half | Leave::Fail(_) => return ffi::SQLITE_IOERR_FSYNC,
        }
        let shadow = inner.files.entry(path.clone()).or_default();
        let mut content = shadow.durable.take().unwrap_or_default();
        for change in shadow.pending.drain(..) {
            change.make(&mut content, None);
        }
        shadow.durable = Some(content);
        ffi::SQLITE_OK
    }
}

macro_rules! pass_on {
    ($($ours:ident = $method:ident ( $($name:ident : $type:ty),* );)+) => {$(
        unsafe extern "C" fn $ours(file: *mut ffi::sqlite3_file $(, $name: $type)*) -> c_int {
            // SAFETY: passed on unchanged.
            unsafe { real_method!(file, $method($($name),*)) }
        }
    )+};
}

pass_on! {
    file_size = xFileSize(size: *mut i64);
    take_lock = xLock(level: c_int);
    give_lock = xUnlock(level: c_int);
    check_lock = xCheckReservedLock(out: *mut c_int);
    file_control = xFileControl(operation: c_int, argument: *mut c_void);
    sector_size = xSectorSize();
    characteristics = xDeviceCharacteristics();
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap = xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: passed on unchanged.
    unsafe { real_method!(file, xShmBarrier()) }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without memory mapping, which would go past the counters.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(take_lock),
    xUnlock: Some(give_lock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
